"""Where the static encoder begins: which units get a row, and the row before any training."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.linalg import solve
from scipy.sparse import csr_matrix

from knowledge.encoder import Vectors
from knowledge.encoder_corpus import Corpus
from knowledge.teacher import Taught
from knowledge.vocabulary import RUNS, Vocabulary, is_han

HAN_WORDS, ENGLISH_WORDS = 22_000, 30_000
BUCKETS, GRAMS = 8192, (3, 5)
LONGEST_HAN_WORD = 4
FREQUENCY_SHIFT = 1e-3  # the a of the weight a / (a + p), Arora et al. 2017
RIDGE = 0.05


def choose_vocabulary(corpus: Corpus, teacher_words: Sequence[str]) -> Vocabulary:
    """All Chinese characters, then the most frequent Chinese and English words."""
    characters, han_words = _han_units(corpus)
    texts = [*corpus.english_texts(), *corpus.meanings()]
    counts = Counter(word for text in texts for word in _latin_words(text))
    counts.update(teacher_words)
    frequent = (word for word, count in counts.most_common(ENGLISH_WORDS) if count > 1)
    known = dict.fromkeys([*frequent, *teacher_words])
    english = list(known)[:ENGLISH_WORDS]
    return Vocabulary([*characters, *han_words, *english], BUCKETS, GRAMS)


def start_rows(corpus: Corpus, vocabulary: Vocabulary, taught: Taught) -> Vectors:
    """Teacher's vector of each unit (of its meanings, for Chinese) times a frequency weight.

    The bucket rows are fitted so that a word's n-grams add up to its row.
    """
    units = vocabulary.units
    meanings = [corpus.glosses.get(unit, () if is_han(unit) else (unit,)) for unit in units]
    rows = taught.means(meanings) * _frequency_weights(corpus, vocabulary)[:, None]
    return np.concatenate((rows, fallback_rows(vocabulary, rows)))


def fallback_rows(vocabulary: Vocabulary, rows: Vectors) -> Vectors:
    """Bucket rows, shape (buckets, dimension): ridge fit of English rows by their n-grams.

    Misspelt forms are fitted too, so that a slip of the finger keeps the meaning.
    """
    words = [(row, unit) for unit, row in vocabulary.row.items() if not is_han(unit)]
    forms = [(row, form) for row, word in words for form in (word, *slips(word))]
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for _row, form in forms:
        found = vocabulary.gram_rows(form)
        columns += [row - len(vocabulary.units) for row in found]
        values += [1 / len(found)] * len(found)
        ends.append(len(columns))
    grams = csr_matrix((values, columns, ends), shape=(len(forms), vocabulary.buckets))
    normal = (grams.T @ grams).toarray() + RIDGE * np.eye(vocabulary.buckets)
    wanted = grams.T @ rows[[row for row, _form in forms]]
    return np.asarray(solve(normal, wanted, assume_a="pos"), dtype=np.float32)


def slips(word: str) -> list[str]:
    """Two common misspellings of a word of five letters or more: a swap and a gap."""
    if len(word) < 5:
        return []
    middle = len(word) // 2
    swapped = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return [swapped, word[:middle] + word[middle + 1 :]]


def _han_units(corpus: Corpus) -> tuple[list[str], list[str]]:
    """Characters, and dictionary words by how often the texts and headwords hold them."""
    texts = [chinese for chinese, _english in corpus.pairs] + list(corpus.glosses)
    counts: Counter[str] = Counter()
    for text in texts:
        for run in (found[1] for found in RUNS.finditer(text) if found[1]):
            counts.update(
                run[start : start + size]
                for size in range(1, LONGEST_HAN_WORD + 1)
                for start in range(len(run) - size + 1)
            )
    characters = [unit for unit in counts if len(unit) == 1]
    words = [unit for unit, _count in counts.most_common() if len(unit) > 1 and unit in corpus.glosses]
    return characters, words[:HAN_WORDS]


def _frequency_weights(corpus: Corpus, vocabulary: Vocabulary) -> Vectors:
    """One weight a unit, its frequency taken within its own language."""
    chinese = _counts(vocabulary, (text for text, _english in corpus.pairs))
    english = _counts(vocabulary, corpus.english_texts())
    shares = chinese / chinese.sum() + english / english.sum()
    return np.asarray(FREQUENCY_SHIFT / (FREQUENCY_SHIFT + shares), dtype=np.float32)


def _counts(vocabulary: Vocabulary, texts: Iterable[str]) -> Vectors:
    counts = np.zeros(len(vocabulary.units), dtype=np.float32)
    for text in texts:
        for row in vocabulary.read(text)[0]:
            if row < len(counts):
                counts[row] += 1
    return counts


def _latin_words(text: str) -> Iterable[str]:
    return (run[0] for run in RUNS.finditer(text) if not run[1])
