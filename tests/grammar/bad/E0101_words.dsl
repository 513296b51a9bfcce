inputs x: real
let y = 3
float y = 3
real y = 3
class A:
print x
import math
