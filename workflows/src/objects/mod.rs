//! Objects: the S3 side of every file.
