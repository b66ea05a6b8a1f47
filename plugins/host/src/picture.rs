//! Pixels as a PNG or JPEG file.

use std::io::{self, Write};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use wasmtime::Result;

use crate::contract::untxt::ocr::types::ImageEncoding;
use crate::page::PixelFormat;

/// Bytes that are written between two checks whether the call is stopped: far less
/// than a tick of the guests' clock.
const PIECE_BYTES: usize = 16 << 10;

/// Rows of pixels.
pub(crate) struct Picture<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: PixelFormat,
    pub(crate) data: &'a [u8],
}

impl Picture<'_> {
    /// Encodes the file. `quality` is 1..100, for JPEG. JPEG calls `check_stopped`
    /// regularly, PNG only after compression.
    ///
    /// # Errors
    /// Outer: that of `check_stopped`. Inner: the encoder's.
    pub(crate) fn encoded(
        &self,
        encoding: ImageEncoding,
        quality: u8,
        check_stopped: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Result<Vec<u8>, image::ImageError>> {
        let color = match self.format {
            PixelFormat::Luma8 => ExtendedColorType::L8,
            PixelFormat::Rgb8 => ExtendedColorType::Rgb8,
        };
        let mut file = InterruptibleFile { bytes: Vec::new(), asked_at: 0, check_stopped, stopped: None };
        let written = match encoding {
            ImageEncoding::Png => {
                PngEncoder::new(&mut file).write_image(self.data, self.width, self.height, color)
            }
            ImageEncoding::Jpeg => JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
                .write_image(self.data, self.width, self.height, color),
        };
        match file.stopped {
            Some(stopped) => Err(stopped),
            None => Ok(written.map(|()| file.bytes)),
        }
    }
}

/// A file in memory; writing to it fails when the call is stopped.
struct InterruptibleFile<'a> {
    bytes: Vec<u8>,
    asked_at: usize,
    check_stopped: &'a mut dyn FnMut() -> Result<()>,
    stopped: Option<wasmtime::Error>,
}

impl Write for InterruptibleFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() >= self.asked_at + PIECE_BYTES {
            self.asked_at = self.bytes.len();
            self.stopped = (self.check_stopped)().err();
        }
        if self.stopped.is_some() {
            return Err(io::Error::other("the call is stopped"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_stops_with_the_call() {
        // No two pixels alike next to each other: a large file.
        let data: Vec<u8> =
            (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let picture = Picture { width: 1_000, height: 1_000, format: PixelFormat::Luma8, data: &data };
        let mut asked = 0;
        let mut stop = || {
            asked += 1;
            if asked == 3 { Err(wasmtime::Error::msg("enough")) } else { Ok(()) }
        };
        let stopped = picture.encoded(ImageEncoding::Jpeg, 100, &mut stop);
        assert_eq!(stopped.expect_err("it is stopped").to_string(), "enough");
        assert_eq!(asked, 3);
    }
}
