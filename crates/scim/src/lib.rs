//! The SCIM 2.0 protocol (RFC 7643, RFC 7644, RFC 9865) as a service provider speaks it; knows no database.
