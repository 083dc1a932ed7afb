// The alarm. It sounds while a critical alert is nobody's, and while the screen is cut off.
const MUTE_S = 120;
const PATTERNS = {
  // [frequency in Hz, start in s, length in s]
  alarm: { tones: [[880, 0, 0.22], [660, 0.26, 0.22], [880, 0.52, 0.22]], everyS: 1.6, gain: 0.9 },
  chime: { tones: [[523, 0, 0.3], [659, 0.35, 0.4]], everyS: 8, gain: 0.5 },
  lost: { tones: [[330, 0, 0.5], [247, 0.55, 0.7]], everyS: 3, gain: 0.8 },
};

export class Sound {
  constructor(changed) {
    this.changed = changed;
    this.context = new AudioContext();
    this.playing = "";
    this.mutedUntilMs = 0;
    this.nextMs = 0;
    setInterval(() => this.tick(), 100);
    this.context.onstatechange = () => changed();
  }

  // Browsers allow sound after a person touched the page.
  async allow() {
    await this.context.resume();
    this.changed();
  }

  get isBlocked() {
    return this.context.state !== "running";
  }

  get mutedS() {
    return Math.max(0, (this.mutedUntilMs - Date.now()) / 1000);
  }

  // Of this screen's alarm alone, and for a short while; whoever is called goes on being called.
  mute() {
    this.mutedUntilMs = Date.now() + MUTE_S * 1000;
    this.changed();
  }

  unmute() {
    this.mutedUntilMs = 0;
    this.changed();
  }

  // `pattern`: alarm, chime, lost or empty.
  play(pattern) {
    if (pattern === this.playing) return;
    this.playing = pattern;
    this.nextMs = 0;
  }

  get sounding() {
    if (!this.playing || this.isBlocked) return "";
    // A screen that is cut off cannot be muted: nobody would know.
    return this.mutedS > 0 && this.playing !== "lost" ? "" : this.playing;
  }

  tick() {
    document.body.dataset.sounding = this.sounding;
    if (!this.sounding || Date.now() < this.nextMs) return;
    const pattern = PATTERNS[this.sounding];
    this.nextMs = Date.now() + pattern.everyS * 1000;
    for (const [frequency, start, length] of pattern.tones) this.tone(frequency, start, length, pattern.gain);
  }

  tone(frequency, start, length, loudness) {
    const { context } = this;
    const oscillator = new OscillatorNode(context, { type: "square", frequency });
    const gain = new GainNode(context, { gain: 0 });
    const from = context.currentTime + start;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(loudness * 0.4, from + 0.02);
    gain.gain.setValueAtTime(loudness * 0.4, from + length - 0.04);
    gain.gain.linearRampToValueAtTime(0, from + length);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(from);
    oscillator.stop(from + length);
  }
}
