//! Bodies, and those that are not JSON.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

/// A body with its type. `Debug` gives its size alone: it may hold passwords and keys.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) media_type: Cow<'static, str>,
    pub(crate) bytes: Bytes,
}

impl Body {
    pub(crate) fn new(media_type: impl Into<Cow<'static, str>>, bytes: impl Into<Bytes>) -> Self {
        Self { media_type: media_type.into(), bytes: bytes.into() }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {}", self.bytes.len(), self.media_type)
    }
}

/// How files of a type begin, the type, and the suffix of their names.
const SIGNATURES: &[(&[u8], &str, &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF8", "image/gif", "gif"),
    (b"\x00\x00\x01\x00", "image/x-icon", "ico"),
];

/// A file to upload.
///
/// ```
/// use oktant_sdk::Upload;
///
/// let logo = Upload::from(&b"\x89PNG\r\n\x1a\n..."[..]);
/// assert_eq!(logo, Upload::new("file.png", "image/png", &b"\x89PNG\r\n\x1a\n..."[..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    file_name: String,
    body: Body,
}

impl Upload {
    /// A file with its name and type.
    pub fn new(file_name: impl Into<String>, media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { file_name: file_name.into(), body: Body::new(media_type.into(), bytes) }
    }

    /// A form (RFC 7578) that holds the file in `field`.
    pub(crate) fn form(&self, field: &str) -> Body {
        let boundary = self.boundary();
        let name = self.file_name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: {}\r\n\r\n",
            self.body.media_type
        );
        let body = [head.as_bytes(), &self.body.bytes, b"\r\n--", boundary.as_bytes(), b"--\r\n"].concat();
        Body::new(format!("multipart/form-data; boundary={boundary}"), body)
    }

    /// A line that the file does not hold.
    fn boundary(&self) -> String {
        let held = |boundary: &String| self.body.bytes.windows(boundary.len()).any(|part| part == boundary.as_bytes());
        let mut candidates = (0_u64..).map(|number| format!("oktant-{number:020}"));
        candidates.find(|boundary| !held(boundary)).expect("a file is finite")
    }
}

/// Tells PNG, JPEG, GIF and ICO by their first bytes.
impl From<Bytes> for Upload {
    fn from(bytes: Bytes) -> Self {
        let known = SIGNATURES.iter().find(|(signature, ..)| bytes.starts_with(signature));
        let (media_type, suffix) =
            known.map_or(("application/octet-stream", "bin"), |(_, media_type, suffix)| (media_type, suffix));
        Self::new(format!("file.{suffix}"), media_type, bytes)
    }
}

impl From<Vec<u8>> for Upload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&[u8]> for Upload {
    fn from(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }
}

/// A signed certificate, in one of the three forms that are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate(pub(crate) Body);

impl Certificate {
    /// PEM text.
    pub fn pem(text: impl Into<String>) -> Self {
        Self(Body::new("application/x-pem-file", text.into()))
    }

    /// DER, sent as `application/pkix-cert`.
    pub fn der(bytes: impl Into<Bytes>) -> Self {
        Self(Body::new("application/pkix-cert", bytes))
    }

    /// A `.cer` file, sent as `application/x-x509-ca-cert`.
    pub fn cer(bytes: impl Into<Bytes>) -> Self {
        Self(Body::new("application/x-x509-ca-cert", bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_the_file_between_its_boundaries() {
        let Body { media_type, bytes } = Upload::new("a\"b.png", "image/png", "x\r\ny").form("file");
        assert_eq!(media_type, "multipart/form-data; boundary=oktant-00000000000000000000");
        assert_eq!(
            bytes,
            "--oktant-00000000000000000000\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a%22b.png\"\r\n\
             Content-Type: image/png\r\n\r\n\
             x\r\ny\r\n\
             --oktant-00000000000000000000--\r\n"
        );
    }

    #[test]
    fn the_boundary_is_one_that_the_file_does_not_hold() {
        let form = Upload::from(b"--oktant-00000000000000000000".to_vec()).form("file");
        assert!(form.media_type.ends_with("oktant-00000000000000000001"));
    }

    #[test]
    fn images_are_told_by_their_first_bytes() {
        for (bytes, media_type) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"\x00\x00\x01\x00\x01", "image/x-icon"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(Upload::from(bytes).body.media_type, media_type);
        }
    }
}
