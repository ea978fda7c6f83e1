// @ts-check
/**
 * Speaks calls: a chime, then the sentence. One at a time, in order, each once. A board that is loaded again within minutes
 * goes on after the last call that it began to speak.
 */
import { assets } from "./i18n.js";

/** Where a board remembers, per hall and zone, up to which call it has spoken. It outlives the browser. */
const MEMORY = "mpp-board ";
/** Milliseconds that a board may be away and still speak what it missed. One that is switched on tells no history. */
const AWAY = 5 * 60_000;
/** Milliseconds between two notes that the board is there. */
const NOTE = 5_000;
/** Milliseconds after which a sound that never ends is given up, so that the next call is heard. */
const CLIP_LIMIT = 5_000;
const SENTENCE_LIMIT = 20_000;
/** Milliseconds after which the list of recordings is given up on a bad line: whoever pressed the button is told. */
const LIST_LIMIT = 10_000;

export class Speaker {
  /**
   * @param {string | undefined} wish "auto", "klip" (only local recordings) or "peramban" (only the browser's voice)
   * @param {string} place the hall and zone of the board
   */
  constructor(wish, place) {
    this.wish = wish;
    this.key = MEMORY + place;
    this.on = false;
    this.talking = false;
    /** @type {import("./types.js").Announcement[]} */
    this.queue = [];
    /** Up to which call it was spoken, or passed over, when the page was loaded; "0" when that is too long ago. */
    this.memory = this.recall();
    /** The last call that was taken. */
    this.newest = Number(this.memory.seq);
    /** The last call that was begun or passed over. */
    this.spoken = this.newest;
    this.epoch = this.memory.epoch;
    this.noted = 0;
    /** The sound was on before the load, and may come back by itself. */
    this.waking = this.memory.sound;
    /** @type {Set<string>} */
    this.clips = new Set();
    // Some browsers load their voices only when they are first asked for.
    window.speechSynthesis?.getVoices();
  }

  /** @returns {{seq: string, epoch: string, sound: boolean}} */
  recall() {
    try {
      const { seq, epoch, sound, at } = JSON.parse(localStorage.getItem(this.key) ?? "{}");
      const isAway = !(Math.abs(Date.now() - at) < AWAY);
      return { seq: isAway ? "0" : String(seq), epoch: isAway ? "0" : String(epoch), sound: sound === true };
    } catch {
      // What cannot be read is as good as nothing.
      return { seq: "0", epoch: "0", sound: false };
    }
  }

  note() {
    this.noted = Date.now();
    const note = { seq: this.spoken, epoch: this.epoch, sound: this.on || this.memory.sound, at: this.noted };
    localStorage.setItem(this.key, JSON.stringify(note));
  }

  /** Asks which recordings exist and makes the first sound. Must run in a user's click unless the browser permits more. */
  async enable() {
    try {
      const answer = await fetch(`${assets}/audio/id/clips.json`, { signal: AbortSignal.timeout(LIST_LIMIT) });
      this.clips = new Set(answer.ok ? await answer.json() : []);
      await this.play("chime");
      this.on = true;
    } finally {
      this.waking = false;
      // What came while it was not known whether there is sound: heard now, or by nobody.
      if (!this.on) this.pass();
      this.note();
    }
    void this.work();
  }

  /** Everything up to the last call that was taken is done with. */
  pass() {
    this.queue = [];
    this.spoken = this.newest;
  }

  /**
   * Notes where the board stands; from its first moment on, what was called before is nothing to speak.
   * @param {string} seq @param {string} epoch
   */
  follow(seq, epoch) {
    if (this.epoch !== epoch && Number(seq) < this.newest) this.forget(seq);
    if (this.spoken === 0) [this.spoken, this.newest] = [Number(seq), Number(seq)];
    if (this.epoch === epoch && Date.now() - this.noted < NOTE) return;
    this.epoch = epoch;
    this.note();
  }

  /** The log was set back to a position: the calls after it are others. @param {string} seq */
  forget(seq) {
    this.newest = Math.min(this.newest, Number(seq));
    this.spoken = Math.min(this.spoken, this.newest);
    this.queue = [];
  }

  /**
   * Takes a call to be spoken. One that was taken before is dropped. One that nobody is called by any more is passed over,
   * and so is everything while the sound is off: a call that nobody heard in time is not called late.
   * @param {import("./types.js").Announcement} announcement
   * @param {boolean} isCalled
   * @returns {boolean} whether it is new
   */
  say(announcement, isCalled) {
    const id = Number(announcement.id);
    if (id <= this.newest) return false;
    this.newest = id;
    if (isCalled && (this.on || this.waking)) {
      this.queue.push(announcement);
      void this.work();
    } else if (this.queue.length === 0 && !this.talking) {
      this.spoken = id;
      this.note();
    }
    return true;
  }

  async work() {
    if (this.talking || !this.on) return;
    this.talking = true;
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      // Before it is heard: a board that dies in the middle does not say it twice.
      this.spoken = Number(next.id);
      this.note();
      try {
        await this.play("chime");
        await this.speak(next);
      } catch (error) {
        // The call stands on the board in any case; the next one must still be heard.
        console.warn("call was not spoken", next.id, error);
      }
    }
    this.talking = false;
  }

  /** @param {import("./types.js").Announcement} announcement */
  async speak(announcement) {
    const voices = (window.speechSynthesis?.getVoices() ?? []).filter((voice) => /^(id|in)\b/i.test(voice.lang));
    const recorded = announcement.clips.length > 0 && announcement.clips.every((clip) => this.clips.has(clip));
    const local = voices.find((voice) => voice.localService);
    if (this.wish !== "klip" && local) return this.utter(announcement.speech, local);
    if (this.wish !== "peramban" && recorded) {
      for (const clip of announcement.clips) await this.play(clip);
      return;
    }
    await this.utter(announcement.speech, voices[0]);
  }

  /** @param {string} clip @returns {Promise<void>} */
  play(clip) {
    return new Promise((resolve, reject) => {
      const sound = new Audio(`${assets}/audio/id/${clip}.ogg`);
      const limit = setTimeout(resolve, CLIP_LIMIT);
      const end = (/** @type {() => void} */ settle) => () => {
        clearTimeout(limit);
        settle();
      };
      sound.addEventListener("ended", end(resolve));
      sound.addEventListener("error", end(() => reject(new Error(`clip "${clip}" cannot be played`))));
      sound.play().catch((error) => end(() => reject(error))());
    });
  }

  /** @param {string} text @param {SpeechSynthesisVoice} [voice] @returns {Promise<void>} */
  utter(text, voice) {
    return new Promise((resolve) => {
      if (!window.speechSynthesis) return resolve();
      const words = new SpeechSynthesisUtterance(text);
      words.lang = voice?.lang ?? "id-ID";
      if (voice) words.voice = voice;
      words.rate = 0.9;
      const limit = setTimeout(() => {
        speechSynthesis.cancel();
        resolve();
      }, SENTENCE_LIMIT);
      const end = () => {
        clearTimeout(limit);
        resolve();
      };
      words.addEventListener("end", end);
      words.addEventListener("error", end);
      speechSynthesis.speak(words);
    });
  }
}
