"""`python -m bench.floor`: what a case costs at the least, printed."""

from bench.floor.measuring import measure

for name, ms in measure().items():
    print(f"{name:<24} {ms:6.1f} ms of CPU per case")
