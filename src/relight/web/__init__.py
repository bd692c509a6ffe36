"""Pages for people: server-rendered, signed in by a cookie. An entry point."""
