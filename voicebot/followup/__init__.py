"""What follows a promise: a reminder on its day, a look at what came in, and a call about a promise that was broken."""
