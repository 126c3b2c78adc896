"""Why a number is no number, how healthy a network is, and how many digits a computation keeps."""
