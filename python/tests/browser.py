"""A real headless browser that signs in, run by ``$BROWSER URL``; it leaves a picture of each page.

Login and password come from the environment; the pictures go to ``OKTANT_SCREENSHOTS``.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait

SECONDS = 30
ALLOW = (By.CSS_SELECTOR, "button[name=decision][value=allow]")


def main() -> None:
    pictures = Path(os.environ["OKTANT_SCREENSHOTS"])
    options = webdriver.ChromeOptions()
    # A container's root may not use the sandbox of the browser, and its /dev/shm is small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,760"):
        options.add_argument(argument)
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as browser:
        wait = WebDriverWait(browser, SECONDS)
        browser.get(sys.argv[1])
        browser.find_element(By.NAME, "username").send_keys(os.environ["OKTANT_DEMO_LOGIN"])
        browser.find_element(By.NAME, "password").send_keys(os.environ["OKTANT_DEMO_PASSWORD"])
        browser.save_screenshot(str(pictures / "1-sign-in.png"))
        browser.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        # Consent is asked for once per user and app.
        wait.until(until.any_of(until.element_to_be_clickable(ALLOW), until.url_contains("code=")))
        for allow in browser.find_elements(*ALLOW):
            browser.save_screenshot(str(pictures / "2-consent.png"))
            allow.click()
        wait.until(until.url_contains("code="))
        wait.until(lambda page: page.find_element(By.TAG_NAME, "body").text)
        browser.save_screenshot(str(pictures / "3-callback.png"))
        text = pictures / "callback.txt.part"
        text.write_text(browser.find_element(By.TAG_NAME, "body").text)
        text.rename(pictures / "callback.txt")


if __name__ == "__main__":
    main()
