// Push only says "look now". Without it the page polls all the same: losing it costs one poll.

const SHORTEST = 1000; // ms between two tries
const LONGEST = 60000;
const NOT_OURS = 4403;
const TOO_MANY = 4429;

export class Push {
  #watch;
  #onNews;
  #socket;
  #timer;
  #wait = SHORTEST;
  #wanted = false;
  #turn = 0; // what began before the last stop is over

  constructor(watch, onNews) {
    this.#watch = watch;
    this.#onNews = onNews;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#wait = SHORTEST;
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
    this.#socket = undefined;
  }

  async #connect() {
    const turn = this.#turn;
    let ticket;
    try {
      ticket = await this.#ticket();
    } catch {
      if (turn === this.#turn) this.#later();
      return;
    }
    if (!ticket || turn !== this.#turn) return;
    const socket = new WebSocket(ticket.url, ["nodrop", ticket.ticket]);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#onNews()); // what changed before was not pushed
    socket.addEventListener("message", () => {
      this.#wait = SHORTEST;
      this.#onNews();
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket !== this.#socket || code === NOT_OURS) return;
      if (code === TOO_MANY) this.#wait = LONGEST;
      this.#later();
    });
  }

  // Nothing when the order is not ours (any more).
  async #ticket() {
    const answer = await fetch(this.#watch.ticketsUrl, {
      method: "POST",
      headers: { "X-Order-Token": this.#watch.token },
    });
    if (answer.status === 404 || answer.status === 403) return undefined;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  }

  #later() {
    if (!this.#wanted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST);
  }
}
