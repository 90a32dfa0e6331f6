#!/usr/bin/env python3
"""A corpus of tones for the tests: each letter a pitch, a word three letters, silence between words.

    tiny_corpus.py FOLDER COUNT SEED     writes FOLDER/*.wav and FOLDER/manifest.jsonl
"""
import json, math, os, random, struct, sys, wave

RATE, LETTER, GAP = 16000, 0.14, 0.1  # seconds
PITCH = {"a": 300, "b": 550, "c": 1000, "d": 1800, "e": 3200}
WORDS = ["abc", "bad", "cab", "dab", "ebb", "ace", "deb", "bee"]


def tone(pitch, rng):
    n, phase, level = int(RATE * LETTER), rng.random(), rng.uniform(3000, 9000)
    shape = [min(1, i / 300, (n - i) / 300) for i in range(n)]
    return [level * s * math.sin(2 * math.pi * (pitch * i / RATE + phase)) for i, s in enumerate(shape)]


def speak(words, rng):
    samples = []
    for word in words:
        samples += [0.0] * int(RATE * GAP * rng.uniform(0.7, 1.3))
        for letter in word:
            samples += tone(PITCH[letter] * rng.uniform(0.97, 1.03), rng)
    samples += [0.0] * int(RATE * GAP)
    return [max(-32000, min(32000, int(s + rng.gauss(0, 60)))) for s in samples]


def main(folder, count, seed):
    rng = random.Random(seed)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "manifest.jsonl"), "w") as manifest:
        for i in range(count):
            words = [rng.choice(WORDS) for _ in range(rng.randint(1, 4))]
            samples = speak(words, rng)
            name = f"{i:04d}.wav"
            with wave.open(os.path.join(folder, name), "wb") as out:
                out.setnchannels(1), out.setsampwidth(2), out.setframerate(RATE)
                out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
            manifest.write(json.dumps({"audio_filepath": name, "duration": len(samples) / RATE,
                                       "text": " ".join(words), "speaker": f"s{i % 4}"}) + "\n")


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
