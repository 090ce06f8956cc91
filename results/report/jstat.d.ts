// What is used of jstat, which comes without types.
declare module 'jstat' {
  const jstat: {
    /** Student's t with so many degrees of freedom. */
    studentt: { inv(probability: number, freedom: number): number };
    normal: { cdf(x: number, mean: number, deviation: number): number };
  };
  export default jstat;
}
