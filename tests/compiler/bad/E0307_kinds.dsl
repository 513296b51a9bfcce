dim K = 3
input a: bool > 0
input b: int in range(0, 10, 2)
input c: int in range(2.5)
input d: int in range(Q)
param e1: real > nan
param g: real > K + a
loss L = e1
