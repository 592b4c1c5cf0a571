import os

numbers = [n * n for n in range(20000)]
for child in range(4):
    pid = os.fork()
    if pid == 0:
        numbers[child] = 7
        os._exit(sum(numbers) % 251)
    print(child, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
words = {}
for n in numbers:
    words.setdefault(str(n)[:2], []).append(n)
print(len(words), sum(numbers), sorted(words)[:5])
