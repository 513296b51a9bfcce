def latin(x):
    return x # é
