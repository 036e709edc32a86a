"""Short texts to debtors: their words, whether and when they may go out, and the hand that sends them."""
