input x: real
const c = 2 * x
output f = c
