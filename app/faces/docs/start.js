"use strict";

window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/schema/openapi.json",
    dom_id: "#viewer",
    deepLinking: true,
    // No other host is asked, not even whether the document is valid.
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
});
