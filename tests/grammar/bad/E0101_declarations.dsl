model
model a b
dim
dim N: int
dim N,
input x
input x real
input x: [N]
input x: real[]
input x: real = 3
input x: real, y: int
input x: real in [0, 1]
input x: real > 0, < 1
param w = zeros()
param w: real =
const c
const c: real
const a = 1, b = 2
var h
var h = zeros(3)
var h: real = 0
output
output x + 1
output a = 1, b = 2
loss
loss mean(x)
grad
grad f
grad f, x
grad f wrt
from nn
from nn import
from nn import *
from nn import a as b
from a.b import c
from "a.dsl" import
import numpy as np
