"""Windows that move over an array: convolution and pooling."""
