// @ts-check
/**
 * A stream of server-sent events that stays up: it reconnects by itself, from where it was, and says honestly when
 * what is shown is not current.
 */

/** @typedef {"connecting" | "live" | "stale"} LiveState */

export class Live {
  /**
   * @param {() => string} address asked before each connection, so that it can carry the last position seen
   * @param {{
   *   frame: (data: any) => void,
   *   state: (state: LiveState, since: Date) => void,
   *   lost?: () => Promise<void>,
   *   stale?: number,
   * }} hooks lost: called when a connection is refused, such as to find out that the session has ended;
   *   stale: seconds without any event, heartbeats included, after which the page is not current
   */
  constructor(address, { frame, state, lost, stale = 15 }) {
    this.address = address;
    this.frame = frame;
    this.report = state;
    this.lost = lost;
    this.stale = stale * 1000;
    this.last = Date.now();
    this.opened = Date.now();
    this.failures = 0;
    /** @type {LiveState} */
    this.state = "connecting";
    /** @type {EventSource | undefined} */
    this.source = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    this.online = () => this.reconnect(0);
    this.connect();
    this.timer = setInterval(() => this.watch(), 1000);
    addEventListener("online", this.online);
  }

  /** Ends it for good: nothing more will happen that is worth watching. */
  stop() {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.retry);
    clearInterval(this.timer);
    removeEventListener("online", this.online);
  }

  connect() {
    this.source?.close();
    this.opened = Date.now();
    const source = new EventSource(this.address());
    this.source = source;
    const alive = () => {
      this.last = Date.now();
      this.failures = 0;
      this.move("live");
    };
    source.addEventListener("heartbeat", alive);
    source.addEventListener("update", (event) => {
      alive();
      this.frame(JSON.parse(event.data));
    });
    source.addEventListener("error", (event) => {
      if (this.source !== source) return;
      source.close();
      this.failures += 1;
      if (this.state === "live") this.move("connecting");
      // The service says why it ends a stream; a connection that is refused or breaks says nothing. Either may mean
      // that the session has ended.
      const told = /** @type {MessageEvent} */ (event).data;
      if (this.lost && (told || this.failures >= 2)) void this.lost();
      this.reconnect(Math.min(5_000, 300 * 2 ** Math.min(this.failures, 5)) * (0.75 + Math.random() / 2));
    });
  }

  /** @param {number} delay */
  reconnect(delay) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), delay);
  }

  /** Leaves this connection for another one. @param {number} delay */
  redial(delay) {
    this.source?.close();
    this.reconnect(delay);
  }

  watch() {
    const silent = Date.now() - this.last;
    if (silent <= this.stale) return;
    this.move("stale");
    // A connection can hang without an error (a stopped server, a dropped cable): dial again.
    if (Date.now() - this.opened > this.stale) {
      this.opened = Date.now();
      this.reconnect(0);
    }
  }

  /** @param {LiveState} state */
  move(state) {
    if (state === this.state || (state === "connecting" && this.state === "stale")) return;
    this.state = state;
    this.report(state, new Date(this.last));
  }
}
