/** Where ports are chosen from, both ends included: below Linux's ephemeral range, so that no outgoing connection takes one by chance. */
export const chosenPorts = { from: 20_000, to: 32_767 };
