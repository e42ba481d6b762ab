//! Native module of the Python package: sessions, cursors and Arrow streams over the SQL engine
