//! The functions of libheif that decoding needs, found in the library of the distribution
//! when the first picture of that kind comes: a build does not need it, and a machine
//! without it says so.
//!
//! Source of the declarations: libheif's `heif.h`, whose interface has been stable since
//! 1.0; what is used here is there from 1.3 on.
#![expect(unsafe_code, reason = "a library in C; see SAFETY")]
#![expect(non_snake_case, reason = "a name of the library's")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use libloading::Library;

/// The file name by which every distribution of Linux has it.
const FILE: &str = "libheif.so.1";

/// `heif_compression_format`.
const HEVC: c_int = 1;
const AV1: c_int = 4;

/// `heif_colorspace_RGB`, `heif_chroma_interleaved_RGB` and `…_RGBA`,
/// `heif_channel_interleaved`.
const RGB: c_int = 1;
const INTERLEAVED_RGB: c_int = 10;
const INTERLEAVED_RGBA: c_int = 11;
const INTERLEAVED: c_int = 10;

/// `heif_error`.
#[repr(C)]
struct Outcome {
    code: c_int,
    subcode: c_int,
    message: *const c_char,
}

impl Outcome {
    fn check(&self) -> Result<(), String> {
        if self.code == 0 {
            return Ok(());
        }
        // SAFETY: the library gives every error a text that lives as long as it does.
        let text = NonNull::new(self.message.cast_mut()).map(|text| unsafe { CStr::from_ptr(text.as_ptr()) });
        Err(text.map_or_else(|| format!("error {}", self.code), |text| text.to_string_lossy().into_owned()))
    }
}

/// Declares the functions and finds all of them in the library.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            fn of(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: these are the types that `heif.h` declares. The library stays
                // loaded as long as the functions can be called (`LibHeif` holds it).
                unsafe { Ok(Self { $($name: *library.get(concat!(stringify!($name), "\0").as_bytes())?,)* }) }
            }
        }
    };
}

functions! {
    heif_have_decoder_for_format: fn(c_int) -> c_int;
    heif_context_alloc: fn() -> *mut c_void;
    heif_context_free: fn(*mut c_void);
    heif_context_read_from_memory_without_copy: fn(*mut c_void, *const u8, usize, *const c_void) -> Outcome;
    heif_context_get_number_of_top_level_images: fn(*mut c_void) -> c_int;
    heif_context_get_list_of_top_level_image_IDs: fn(*mut c_void, *mut u32, c_int) -> c_int;
    heif_context_get_image_handle: fn(*mut c_void, u32, *mut *mut c_void) -> Outcome;
    heif_image_handle_get_width: fn(*const c_void) -> c_int;
    heif_image_handle_get_height: fn(*const c_void) -> c_int;
    heif_image_handle_has_alpha_channel: fn(*const c_void) -> c_int;
    heif_image_handle_release: fn(*const c_void);
    heif_decode_image: fn(*const c_void, *mut *mut c_void, c_int, c_int, *const c_void) -> Outcome;
    heif_image_get_width: fn(*const c_void, c_int) -> c_int;
    heif_image_get_height: fn(*const c_void, c_int) -> c_int;
    heif_image_get_plane_readonly: fn(*const c_void, c_int, *mut c_int) -> *const u8;
    heif_image_release: fn(*const c_void);
}

/// The library.
pub(super) struct LibHeif {
    functions: Functions,
    _library: Library,
}

impl LibHeif {
    /// Loads it with the decoders that are installed.
    ///
    /// # Errors
    /// The reason for people, if it is not installed or too old.
    pub(super) fn load() -> Result<Self, String> {
        Self::load_from(FILE)
    }

    fn load_from(file: &str) -> Result<Self, String> {
        // SAFETY: loading it runs its constructors, which register its decoders. It is the
        // distribution's, found where the system's linker finds libraries.
        let library = unsafe { Library::new(file) };
        let library =
            library.map_err(|_| format!("{file} is not installed on the server (Debian: libheif1)"))?;
        let functions = Functions::of(&library).map_err(|error| format!("{file} is too old: {error}"))?;
        // From 1.14 on decoders may be files of their own, which this finds.
        // SAFETY: `heif_init` takes a null pointer for its defaults.
        if let Ok(init) =
            unsafe { library.get::<unsafe extern "C" fn(*const c_void) -> Outcome>(b"heif_init\0") }
        {
            unsafe { init(ptr::null()) }.check()?;
        }
        Ok(Self { functions, _library: library })
    }

    /// Whether it decodes HEVC, which HEIC is made of.
    pub(super) fn has_hevc(&self) -> bool {
        self.has(HEVC)
    }

    /// Whether it decodes AV1, which AVIF is made of.
    pub(super) fn has_av1(&self) -> bool {
        self.has(AV1)
    }

    fn has(&self, format: c_int) -> bool {
        // SAFETY: takes and returns a number.
        unsafe { (self.functions.heif_have_decoder_for_format)(format) != 0 }
    }

    /// Reads the structure of a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn open<'a>(&'a self, data: &'a [u8]) -> Result<Heif<'a>, String> {
        // SAFETY: takes nothing; null when there is no memory.
        let context = unsafe { (self.functions.heif_context_alloc)() };
        let context = NonNull::new(context).ok_or("there is no memory for it")?;
        let heif = Heif { functions: &self.functions, context, _data: data };
        let (start, length) = (data.as_ptr(), data.len());
        // SAFETY: the context is alive, and `heif` borrows the bytes as long as it is.
        let read = unsafe {
            (self.functions.heif_context_read_from_memory_without_copy)(
                context.as_ptr(),
                start,
                length,
                ptr::null(),
            )
        };
        read.check()?;
        Ok(heif)
    }
}

/// An open file.
pub(super) struct Heif<'a> {
    functions: &'a Functions,
    context: NonNull<c_void>,
    _data: &'a [u8],
}

impl Drop for Heif<'_> {
    fn drop(&mut self) {
        // SAFETY: it is alive, and handles borrow from `self`.
        unsafe { (self.functions.heif_context_free)(self.context.as_ptr()) }
    }
}

impl Heif<'_> {
    /// How many pictures it holds, without thumbnails and parts of others.
    pub(super) fn count(&self) -> u32 {
        // SAFETY: the context is alive.
        let count =
            unsafe { (self.functions.heif_context_get_number_of_top_level_images)(self.context.as_ptr()) };
        u32::try_from(count).unwrap_or_default()
    }

    /// The picture at `index`, from 0; `None` beyond the last.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn picture(&self, index: u32) -> Result<Option<Picture<'_>>, String> {
        let count = self.count();
        if index >= count {
            return Ok(None);
        }
        let mut ids = vec![0_u32; count as usize];
        let room = c_int::try_from(ids.len()).map_err(|error| error.to_string())?;
        let list = self.functions.heif_context_get_list_of_top_level_image_IDs;
        // SAFETY: there is room for as many numbers as are asked for.
        let got = unsafe { list(self.context.as_ptr(), ids.as_mut_ptr(), room) };
        let id = ids.get(index as usize).filter(|_| i64::from(got) > i64::from(index));
        let id = *id.ok_or("a picture that it counts is missing")?;
        let mut handle = ptr::null_mut();
        // SAFETY: the context is alive; the handle is written on success only.
        let found = unsafe {
            (self.functions.heif_context_get_image_handle)(self.context.as_ptr(), id, &raw mut handle)
        };
        found.check()?;
        let handle = NonNull::new(handle).ok_or("a picture that it names is missing")?;
        Ok(Some(Picture { functions: self.functions, handle, _file: self }))
    }
}

/// One picture of a file.
pub(super) struct Picture<'a> {
    functions: &'a Functions,
    handle: NonNull<c_void>,
    _file: &'a Heif<'a>,
}

impl Drop for Picture<'_> {
    fn drop(&mut self) {
        // SAFETY: it is alive.
        unsafe { (self.functions.heif_image_handle_release)(self.handle.as_ptr()) }
    }
}

/// Pixels row by row, of three bytes, or of four with what is transparent.
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) has_alpha: bool,
    pub(super) bytes: Vec<u8>,
}

impl Picture<'_> {
    /// Width and height in pixels, as it is shown: turned and cut as the file says.
    pub(super) fn size(&self) -> (u32, u32) {
        let handle = self.handle.as_ptr();
        // SAFETY: the handle is alive.
        let (width, height) = unsafe {
            (
                (self.functions.heif_image_handle_get_width)(handle),
                (self.functions.heif_image_handle_get_height)(handle),
            )
        };
        (u32::try_from(width).unwrap_or_default(), u32::try_from(height).unwrap_or_default())
    }

    /// Decodes it, turned and cut as the file says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn decode(&self) -> Result<Pixels, String> {
        let mut image = ptr::null_mut();
        // SAFETY: the handle is alive; a null pointer stands for the usual options; the image
        // is written on success only.
        let (has_alpha, decoded) = unsafe {
            let has_alpha = (self.functions.heif_image_handle_has_alpha_channel)(self.handle.as_ptr()) != 0;
            let chroma = if has_alpha { INTERLEAVED_RGBA } else { INTERLEAVED_RGB };
            let decode = self.functions.heif_decode_image;
            (has_alpha, decode(self.handle.as_ptr(), &raw mut image, RGB, chroma, ptr::null()))
        };
        decoded.check()?;
        let image =
            Image { functions: self.functions, image: NonNull::new(image).ok_or("it has no pixels")? };
        image.pixels(has_alpha)
    }
}

/// A decoded picture in the library's memory.
struct Image<'a> {
    functions: &'a Functions,
    image: NonNull<c_void>,
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        // SAFETY: it is alive.
        unsafe { (self.functions.heif_image_release)(self.image.as_ptr()) }
    }
}

impl Image<'_> {
    fn pixels(&self, has_alpha: bool) -> Result<Pixels, String> {
        let (image, mut stride) = (self.image.as_ptr(), 0);
        // SAFETY: the image is alive.
        let (width, height, plane) = unsafe {
            (
                (self.functions.heif_image_get_width)(image, INTERLEAVED),
                (self.functions.heif_image_get_height)(image, INTERLEAVED),
                (self.functions.heif_image_get_plane_readonly)(image, INTERLEAVED, &raw mut stride),
            )
        };
        let plane = NonNull::new(plane.cast_mut()).ok_or("it has no pixels")?;
        let nonsense = || "its size makes no sense".to_owned();
        let sides = (usize::try_from(width).ok(), usize::try_from(height).ok(), usize::try_from(stride).ok());
        let (Some(columns), Some(rows), Some(stride)) = sides else { return Err(nonsense()) };
        let row_bytes = columns
            .checked_mul(if has_alpha { 4 } else { 3 })
            .filter(|bytes| *bytes > 0 && *bytes <= stride)
            .ok_or_else(nonsense)?;
        let mut bytes = Vec::with_capacity(row_bytes.checked_mul(rows).ok_or_else(nonsense)?);
        for row in 0..rows {
            // SAFETY: the plane has `rows` rows, `stride` bytes apart, of at least
            // `row_bytes` each, and lives as long as the image.
            let line = unsafe { std::slice::from_raw_parts(plane.as_ptr().add(row * stride), row_bytes) };
            bytes.extend_from_slice(line);
        }
        let (width, height) = (u32::try_from(columns), u32::try_from(rows));
        Ok(Pixels {
            width: width.map_err(|_| nonsense())?,
            height: height.map_err(|_| nonsense())?,
            has_alpha,
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_it_says_so() {
        let Err(reason) = LibHeif::load_from("libheif-of-nobody.so.1") else { panic!("it is there") };
        assert!(reason.contains("not installed") && reason.contains("Debian: libheif1"), "{reason}");
        let Err(reason) = LibHeif::load_from("libc.so.6") else { panic!("it is another library") };
        assert!(reason.contains("too old"), "{reason}");
    }
}
