from "second.dsl" import two
def one(x):
    return two(x)
