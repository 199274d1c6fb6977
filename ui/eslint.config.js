import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import hooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['node_modules', 'dist', 'test-results'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}', 'vite.config.ts'],
    extends: [...ts.configs.strictTypeChecked, hooks.configs.flat.recommended],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: 'labels come from strangers: render text, never markup',
        },
        {
          selector:
            "JSXOpeningElement[name.name=/^(button|input)$/]:has(JSXAttribute[name.name='disabled'] > JSXExpressionContainer :matches(Identifier[name=/[wW]hy|barred|fault/], CallExpression[callee.name='may']))",
          message: 'a reason that only a pointer finds: a `Button` or `CheckBox` has `whyNot`',
        },
        {
          selector:
            "JSXOpeningElement[name.name=/^(button|input)$/]:has(JSXAttribute[name.name='disabled']):has(:matches(JSXAttribute[name.name='title'] > JSXExpressionContainer > :matches(ConditionalExpression, LogicalExpression), JSXSpreadAttribute ConditionalExpression[test.right.raw='null'] Property[key.name='title']))",
          message: 'a reason that only a pointer finds: a `Button` or `CheckBox` has `whyNot`',
        },
      ],
      'max-lines': ['error', { max: 600 }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  // Generated, and as long as the server's shapes are many.
  { files: ['src/api/schema.ts'], rules: { 'max-lines': 'off' } },
  { files: ['public/*.js'], languageOptions: { globals: globals.browser, sourceType: 'script' } },
  { files: ['scripts/*.mjs'], languageOptions: { globals: globals.node } },
  prettier,
);
