"use strict";
{
  const { origin, error } = document.currentScript.dataset;
  if (window.opener) window.opener.postMessage({ source: "oidc_login", error }, origin);
  window.close();
}
