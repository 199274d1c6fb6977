"""Remote read: the request's messages, chunks made by kernels, the endpoint."""
