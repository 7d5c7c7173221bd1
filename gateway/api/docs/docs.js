// Lists the operations of /api/openapi.json and calls them. Everything from the
// document and from answers is set as text, never as markup.
'use strict';

const byId = (id) => document.getElementById(id);

function element(tag, text, attributes = {}) {
  const e = document.createElement(tag);
  if (text) e.textContent = text;
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
}

// example makes a body out of a schema.
function example(spec, schema, depth = 0) {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return example(spec, spec.components.schemas[schema.$ref.split('/').pop()], depth + 1);
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') {
    const out = {};
    for (const name of schema.required ?? []) out[name] = example(spec, schema.properties?.[name], depth + 1);
    return out;
  }
  if (type === 'array') return [];
  if (type === 'integer' || type === 'number') return 0;
  if (type === 'boolean') return false;
  return '';
}

function parameterField(p) {
  const label = element('label', `${p.name}${p.required ? ' *' : ''} (${p.in})`);
  const input = p.schema?.enum ? element('select') : element('input');
  if (p.schema?.enum) {
    if (!p.required) input.append(element('option', '', { value: '' }));
    for (const v of p.schema.enum) input.append(element('option', String(v), { value: String(v) }));
  }
  input.name = p.name;
  input.dataset.in = p.in;
  input.required = Boolean(p.required);
  if (p.description) input.title = p.description;
  label.append(input);
  return label;
}

function bodyFields(spec, operation) {
  const content = operation.requestBody?.content;
  if (!content) return [];
  const types = Object.keys(content).sort();
  const select = element('select', '', { name: '_type', 'aria-label': 'Content-Type' });
  for (const t of types) select.append(element('option', t, { value: t }));
  const text = element('textarea', '', { name: '_body', 'aria-label': 'Body' });
  const files = element('input', '', { name: '_files', type: 'file', multiple: '', 'aria-label': 'Files' });
  const show = () => {
    const schema = content[select.value]?.schema;
    const value = example(spec, schema);
    text.value = value === '' || value === null ? '' : JSON.stringify(value, null, 2);
    files.hidden = select.value !== 'multipart/form-data';
  };
  select.addEventListener('change', show);
  show();
  return [select, files, text];
}

function requestOf(method, path, form) {
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll('[data-in]')) {
    if (input.value === '') continue;
    if (input.dataset.in === 'path') path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    if (input.dataset.in === 'query') query.set(input.name, input.value);
    if (input.dataset.in === 'header') headers[input.name] = input.value;
  }
  const init = { method, headers, credentials: 'same-origin' };
  const type = form.elements._type?.value;
  if (type === 'multipart/form-data') {
    init.body = new FormData();
    for (const [k, v] of Object.entries(JSON.parse(form.elements._body.value || '{}'))) {
      if (k !== 'photos') init.body.append(k, String(v));
    }
    for (const f of form.elements._files.files) init.body.append('photos', f);
  } else if (type) {
    headers['Content-Type'] = type;
    init.body = form.elements._body.value;
  }
  if (form.elements._token?.value) headers.Authorization = `Bearer ${form.elements._token.value}`;
  const search = query.toString();
  return [path + (search ? `?${search}` : ''), init];
}

async function show(answer, output) {
  const head = `${answer.status} ${answer.statusText}\n` + [...answer.headers].map(([k, v]) => `${k}: ${v}`).join('\n');
  const type = answer.headers.get('content-type') ?? '';
  let body = '';
  if (type.startsWith('image/')) body = `(${(await answer.blob()).size} bytes)`;
  else body = await answer.text();
  if (type.includes('json') && body) body = JSON.stringify(JSON.parse(body), null, 2);
  output.textContent = `${head}\n\n${body.slice(0, 200000)}`;
}

function operationView(spec, method, path, operation) {
  const box = element('details');
  const summary = element('summary');
  summary.append(element('span', method.toUpperCase(), { class: 'method' }), element('code', path), ` ${operation.summary ?? ''}`);
  box.append(summary);
  if (operation.description) box.append(element('p', operation.description));
  const form = element('form');
  for (const p of operation.parameters ?? []) form.append(parameterField(p));
  if (operation.security?.some((s) => 'source' in s)) {
    const label = element('label', 'Bearer token');
    label.append(element('input', '', { name: '_token', type: 'password', autocomplete: 'off' }));
    form.append(label);
  }
  const body = bodyFields(spec, operation);
  if (body.length) {
    const wrap = element('div', '', { class: 'body' });
    wrap.append(...body);
    form.append(wrap);
  }
  form.append(element('button', '发送 Send'));
  const output = element('pre', '', { 'aria-live': 'polite' });
  output.hidden = true;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    output.hidden = false;
    try {
      const [url, init] = requestOf(method.toUpperCase(), path, form);
      await show(await fetch(url, init), output);
    } catch (e) {
      output.textContent = String(e);
    }
  });
  box.append(form, output);
  box.dataset.text = `${method} ${path} ${operation.summary ?? ''}`.toLowerCase();
  return box;
}

async function who() {
  const answer = await fetch('/api/v1/session');
  const me = answer.ok ? await answer.json() : null;
  byId('who').textContent = me ? `${me.user.name} (${me.user.username}, ${me.user.role})` : '未登录 not signed in';
}

async function start() {
  const spec = await (await fetch('/api/openapi.json')).json();
  byId('about').textContent = spec.info.description ?? '';
  const tags = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of ['get', 'post', 'patch', 'delete']) {
      if (!item[method]) continue;
      const tag = item[method].tags?.[0] ?? '';
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push(operationView(spec, method, path, item[method]));
    }
  }
  for (const [tag, views] of tags) {
    const section = element('section');
    section.append(element('h2', tag), ...views);
    byId('operations').append(section);
  }
  byId('filter').addEventListener('input', () => {
    const want = byId('filter').value.toLowerCase();
    for (const d of document.querySelectorAll('details')) d.hidden = !d.dataset.text.includes(want);
  });
  byId('session').addEventListener('submit', async (event) => {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(event.target));
    const answer = await fetch('/api/v1/session', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(data),
    });
    if (answer.ok) await who();
    else byId('who').textContent = (await answer.json()).detail;
  });
  byId('sign-out').addEventListener('click', async () => {
    await fetch('/api/v1/session', { method: 'DELETE' });
    await who();
  });
  await who();
}

start().catch((e) => { byId('about').textContent = String(e); });
