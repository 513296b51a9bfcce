from "imported/latin.dsl" import latin
input x: real
output y = latin(x)
