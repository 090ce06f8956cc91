// Converts one temperature or many, which the plainest handlers have in common.

module.exports = (fahrenheit) => (Array.isArray(fahrenheit) ? fahrenheit.map(toCelsius) : toCelsius(fahrenheit));

function toCelsius(fahrenheit) {
  return ((fahrenheit - 32) * 5) / 9;
}
