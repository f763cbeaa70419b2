/** office-hours: clients are let in between two hours of the day only, such as 8 and 18. */

/** @type {import('towline/plugin').Plugin<{ from: number, to: number }>} */
export default {
  name: 'office-hours',
  options: {
    parse(given) {
      const { from = 8, to = 18, ...others } = Object(given);
      const [unknown] = Object.keys(others);
      if (unknown !== undefined) throw new Error(`"${unknown}" is no option; there are from and to`);
      for (const [name, hour] of Object.entries({ from, to })) {
        if (!Number.isInteger(hour) || hour < 0 || hour > 24) throw new Error(`${name} is no hour from 0 to 24`);
      }
      if (from >= to) throw new Error(`from (${from}) must be before to (${to})`);
      return { from, to };
    },
  },
  relay({ options: { from, to } }) {
    return {
      admit() {
        const hour = new Date().getHours();
        return (hour >= from && hour < to) || `it is ${hour} o'clock, and the office is open from ${from} to ${to}`;
      },
    };
  },
};
