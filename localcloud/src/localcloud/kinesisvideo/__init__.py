"""Kinesis Video Streams for the local cloud: control plane, archived media and an ingest.

MiniStack has no such service. This one is registered as another of its services (in ``SERVICE_HANDLERS``), so
signatures are verified, and callers' policies evaluated, as for every other; what a request may contain is
checked against the API models that botocore ships. Which fragments an answer holds is decided by
``semantics``, which knows nothing of bytes; the bytes are real: H.264 comes in, MP4 and Matroska go out.

Footage comes in through PutMedia with a body that has an end: a producer sends some fragments, gets their
acknowledgements, and calls again. With the extra header ``x-localcloud-server-time-offset`` it may send
footage of the past; a stream that gets footage older than itself reports an earlier creation time, as if it
had been there. Footage of the past must appear at once (``x-localcloud-hold``), or a reader would see what
no real stream does: fragments that turn up in a time that has long been settled.

``POST /_localcloud/kinesisvideo/behaviour`` changes what the documents leave open or what a test must be
able to choose, ``POST /_localcloud/kinesisvideo/cut`` breaks the next answers of media off. Throttling and
other errors on demand are the local cloud's own faults.
"""
