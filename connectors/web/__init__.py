"""The web chat: sessions, streams, the page that other sites embed, and two dialects of foreign widgets."""
