// @ts-check
/** The REST API as the pages call it: problems as exceptions, and presses that are sent until they are answered. */
import { language } from "./i18n.js";

/** What the server answered when it refused (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status HTTP status; 0 when no server was reached
   * @param {{reason?: string, detail?: string, metadata?: Record<string, string>,
   *   violations?: {field: string, description: string}[]}} body
   * @param {number} [retryAfter] seconds the server asks to wait
   */
  constructor(status, body, retryAfter = 0) {
    super(body.detail ?? body.reason ?? `HTTP ${status}`);
    this.status = status;
    this.reason = body.reason ?? "";
    this.metadata = body.metadata ?? {};
    /** What is wrong with which field, in words. */
    this.violations = body.violations ?? [];
    this.retryAfter = retryAfter;
  }
}

/** A key that makes a retry safe. Works on plain http too, where crypto.randomUUID does not exist. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One request, one answer.
 * @param {string} method
 * @param {string} path
 * @param {{body?: unknown, key?: string, patience?: number}} [options] patience: milliseconds until it is given up
 * @returns {Promise<any>}
 */
export async function request(method, path, { body, key, patience = 10_000 } = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json", "accept-language": language() };
  if (key) headers["idempotency-key"] = key;
  if (body !== undefined) headers["content-type"] = "application/json";
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), patience);
  try {
    const answer = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: giveUp.signal, cache: "no-store",
    });
    const text = await answer.text();
    const isJson = (answer.headers.get("content-type") ?? "").includes("json");
    const value = isJson && text ? JSON.parse(text) : {};
    if (answer.ok) return value;
    throw new Problem(answer.status, value, Number(answer.headers.get("retry-after")) || 0);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(0, { reason: "NOT_REACHED" });
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} path */
export const get = (path) => request("GET", path);

/** Answers that say nothing about the effect of a press, or ask for another try: the same key is sent again. */
const AGAIN = new Set([0, 499, 502, 503, 504]);

/** @param {Problem} problem */
const again = (problem) => AGAIN.has(problem.status) || problem.reason === "RATE_LIMITED";

/** Whether nothing is known of the effect of a request. @param {unknown} problem @returns {problem is Problem} */
export const isUnanswered = (problem) => problem instanceof Problem && AGAIN.has(problem.status);

/** Milliseconds after which a press is no longer what somebody wants: the hall has gone on, perhaps to another day. */
const STALE = 15 * 60_000;

/**
 * Sends a press until it is answered, always with the same key: one effect, however often the line breaks.
 * @param {string} path
 * @param {unknown} body
 * @param {{key?: string, onRetry?: (attempt: number) => void, until?: number, patience?: number}} [options] until:
 *   milliseconds after which it is not sent again and the last failure is thrown, also on a machine that slept meanwhile.
 *   patience: milliseconds until one try is given up
 * @returns {Promise<any>}
 */
export async function send(path, body, { key = newKey(), onRetry, until = STALE, patience } = {}) {
  const start = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request("POST", path, { body, key, patience });
    } catch (error) {
      const isLate = () => Date.now() - start > until;
      if (!(error instanceof Problem) || !again(error) || isLate()) throw error;
      onRetry?.(attempt);
      const backoff = Math.min(5_000, 250 * 2 ** attempt) * (0.75 + Math.random() / 2);
      await pause(Math.max(backoff, error.retryAfter * 1000));
      if (isLate()) throw error;
    }
  }
}

/** Waits, but no longer than until the network is back. @param {number} milliseconds */
export function pause(milliseconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve(undefined);
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
  });
}

/** To the sign-in page and back here afterwards. */
export function signInAgain() {
  const here = location.pathname + location.search;
  location.assign(`/masuk?lagi=1&ke=${encodeURIComponent(here)}`);
}
