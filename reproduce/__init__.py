"""The paper's tables on public data: what is run, the paper's numbers, and the documents made of both."""
