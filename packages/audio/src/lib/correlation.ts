/** Pearson's correlation of pairs that arrive one at a time. */
export class Correlation {
  #count = 0;
  #sumX = 0;
  #sumY = 0;
  #sumXX = 0;
  #sumYY = 0;
  #sumXY = 0;

  add(x: number, y: number): void {
    this.#count += 1;
    this.#sumX += x;
    this.#sumY += y;
    this.#sumXX += x * x;
    this.#sumYY += y * y;
    this.#sumXY += x * y;
  }

  /** -1 to 1; NaN when either side never changed or there are no pairs. */
  coefficient(): number {
    const n = this.#count;
    const covariance = n * this.#sumXY - this.#sumX * this.#sumY;
    const varianceX = n * this.#sumXX - this.#sumX ** 2;
    const varianceY = n * this.#sumYY - this.#sumY ** 2;
    return covariance / Math.sqrt(varianceX * varianceY);
  }
}
