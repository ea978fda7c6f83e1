// @ts-check
/** Speaks calls: a chime, then the sentence. One at a time, in order, each once, also over a reload. */
import { assets } from "./i18n.js";

/** Where a board remembers the last call it has spoken. */
const MEMORY = "mpp-spoken";
/** Milliseconds after which a sound that never ends is given up, so that the next call is heard. */
const CLIP_LIMIT = 5_000;
const SENTENCE_LIMIT = 20_000;

export class Speaker {
  /** @param {string} wish "auto", "klip" (only local recordings) or "peramban" (only the browser's voice) */
  constructor(wish) {
    this.wish = wish;
    this.on = false;
    this.talking = false;
    /** @type {import("./types.js").Announcement[]} */
    this.queue = [];
    this.newest = Number(sessionStorage.getItem(MEMORY) ?? 0);
    /** @type {Set<string>} */
    this.clips = new Set();
    // Some browsers load their voices only when they are first asked for.
    window.speechSynthesis?.getVoices();
  }

  /** Asks which recordings exist and makes the first sound. Must run in a user's click unless the browser permits more. */
  async enable() {
    const answer = await fetch(`${assets}/audio/id/clips.json`);
    this.clips = new Set(answer.ok ? await answer.json() : []);
    await this.play("chime");
    this.on = true;
    sessionStorage.setItem("mpp-sound", "on");
  }

  /**
   * Takes a call to be spoken. One that was taken before is dropped, and so is everything while the sound is off: a
   * call that nobody heard in time is not called late.
   * @param {import("./types.js").Announcement} announcement
   * @returns {boolean} whether it is new
   */
  say(announcement) {
    const id = Number(announcement.id);
    if (id <= this.newest) return false;
    this.newest = id;
    sessionStorage.setItem(MEMORY, String(id));
    if (this.on) {
      this.queue.push(announcement);
      void this.work();
    }
    return true;
  }

  async work() {
    if (this.talking) return;
    this.talking = true;
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
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
