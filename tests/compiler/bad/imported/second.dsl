from "../imported/first.dsl" import one
def two(x):
    return one(x)
