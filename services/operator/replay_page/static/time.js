// Time as it is dragged. A place on the slider is a count of milliseconds from its left end; where quiet time is
// squeezed, a stretch in which nothing happens is no longer than QUIET there, and its clock runs faster.
const QUIET = 15 * 60e3;

function eventful() {
  const tracks = [...story.referrals, ...story.consultations, ...story.wards, ...story.alerts];
  const moments = [...story.entries.map((each) => each[0]), ...tracks.flatMap((each) => each.track.map((point) => point[0]))];
  const inside = moments.filter((at) => at > story.begins_at && at < story.ends_at);
  return [...new Set([story.begins_at, ...inside, story.ends_at])].sort((one, other) => one - other);
}

class Time {
  constructor() {
    this.moments = eventful();
    this.squeeze(this.moments.some((at, index) => index && at - this.moments[index - 1] > 4 * QUIET));
  }

  squeeze(squeezed) {
    this.squeezed = squeezed;
    this.offsets = [0];
    for (let index = 1; index < this.moments.length; index += 1) {
      const gap = this.moments[index] - this.moments[index - 1];
      this.offsets.push(this.offsets[index - 1] + (squeezed ? Math.min(gap, QUIET) : gap));
    }
    this.length = this.offsets[this.offsets.length - 1];
  }

  momentOf(offset) {
    return between(offset, this.offsets, this.moments);
  }

  offsetOf(at) {
    return between(at, this.moments, this.offsets);
  }

  // The nearest moment before or after one at which something happens.
  next(at) {
    return this.moments.find((each) => each > at) ?? story.ends_at;
  }
  before(at) {
    return this.moments.filter((each) => each < at).pop() ?? story.begins_at;
  }
}

// Where a value that lies between two of `from` lies between the same two of `to`.
function between(value, from, to) {
  let low = 0;
  let high = from.length - 1;
  if (value <= from[0]) return to[0];
  if (value >= from[high]) return to[high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= value) low = middle;
    else high = middle;
  }
  const share = (value - from[low]) / (from[high] - from[low]);
  return Math.round(to[low] + share * (to[high] - to[low]));
}
