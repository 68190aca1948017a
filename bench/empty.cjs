// B: what every program on Node costs before its first line.
