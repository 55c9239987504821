"""
A run, or two beside each other, as pages in a browser: read, filtered, paged through, and followed while it goes on.

Read `app`, then `pages`, `asked` and `wording`; `guard` says who is let in, `server` puts the app on a port of this machine.
Everything is answered by one thread, a page in well below a second, so that the ledger needs one connection.
"""
