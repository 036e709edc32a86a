// Runs on the audio thread: cuts the microphone into 20 ms, plays what arrives, says when marks have been played.

const FRAME = 320; // samples, 20 ms at 16 kHz

class Phone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.queue = []; // Int16Array pieces and {mark} objects, in order
    this.at = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(data) {
    if (data.clear) {
      // What is thrown away needs no report: the engine knows what it cleared.
      this.queue = [];
      this.at = 0;
    } else {
      this.queue.push(data.audio ?? data);
    }
  }

  process(inputs, outputs) {
    this.listen(inputs[0][0]);
    this.play(outputs[0][0]);
    return true;
  }

  listen(samples) {
    if (!samples) return;
    for (const sample of samples) {
      this.frame[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.filled === FRAME) {
        this.port.postMessage({ audio: this.frame.buffer }, [this.frame.buffer]);
        this.frame = new Int16Array(FRAME);
        this.filled = 0;
      }
    }
  }

  play(out) {
    let filled = 0;
    while (this.queue.length > 0) {
      const head = this.queue[0];
      if (head.mark !== undefined) {
        this.queue.shift();
        this.port.postMessage({ mark: head.mark });
        continue;
      }
      if (filled === out.length) return;
      const count = Math.min(out.length - filled, head.length - this.at);
      for (let n = 0; n < count; n++) out[filled + n] = head[this.at + n] / 32768;
      filled += count;
      this.at += count;
      if (this.at === head.length) {
        this.queue.shift();
        this.at = 0;
      }
    }
  }
}

registerProcessor("phone", Phone);
