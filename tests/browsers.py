"""The browser that pages are looked at in, and the ways of looking."""

import shutil

CHROMIUM = shutil.which("chromium")
KINDS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
