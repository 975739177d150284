"""Measures the product against the least that the same work can cost, and against the usual building blocks.

`make bench` runs it all and writes docs/performance.md. Every figure is a ratio of CPU times taken in one run with
interleaved repetitions, so that it means the same on any machine.
"""
