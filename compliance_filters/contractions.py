"""English contractions and short spellings written out: "we're" as "we are", "won't" as "will not", "u" as "you".

Both the sentence and the words of a pack pass through here; an officer may write either form.
"""

from __future__ import annotations

import functools

_WHOLE = {
    "won't": ("will", "not"),
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "let's": ("let", "us"),
    "gonna": ("going", "to"),
    "gotta": ("got", "to"),
    "wanna": ("want", "to"),
    "dont": ("do", "not"),
    "wont": ("will", "not"),
    "cant": ("can", "not"),
    "u": ("you",),
    "ur": ("your",),
}
_ENDINGS = {"n't": "not", "'re": "are", "'ll": "will", "'ve": "have", "'d": "would", "'m": "am"}
# After these words 's is "is"; after any other it is a possessive, which changes no meaning here.
_BEFORE_IS = frozenset(
    (
        *("it", "he", "she", "that", "this", "there", "here", "what", "who", "where", "how", "when"),
        *("everything", "nothing", "somebody", "nobody", "someone", "everyone"),
    )
)


@functools.lru_cache(maxsize=4096)
def written_out(word: str) -> tuple[str, ...]:
    """The words of a Latin word in lower case: one, or two for a contraction."""
    plain = word.replace("’", "'")
    if plain in _WHOLE:
        return _WHOLE[plain]
    for ending, meant in _ENDINGS.items():
        if plain.endswith(ending) and len(plain) > len(ending):
            return (plain.removesuffix(ending), meant)
    if plain.endswith("'s") and len(plain) > 2:
        stem = plain.removesuffix("'s")
        return (stem, "is") if stem in _BEFORE_IS else (stem,)
    return (plain.strip("'") or plain,)
