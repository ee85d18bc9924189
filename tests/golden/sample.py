# -*- coding: latin-1 -*-
def leaf(n):
    return sum(range(n))	# größe


def fib(n):
    if n < 2:
        return leaf(n)
    return fib(n - 1) + fib(n - 2)


fib(30)
