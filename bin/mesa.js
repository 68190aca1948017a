#!/usr/bin/env node
require('../dist/mesa.cjs');
