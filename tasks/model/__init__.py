"""The nouns: immutable values that know their own names. Standard library only."""
