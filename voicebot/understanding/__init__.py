"""What was meant and how it was felt, from the words of one turn. Pure."""
